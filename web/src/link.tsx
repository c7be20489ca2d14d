// Links between the parts of the page, and "and N more".
import { whole } from "./format";

export const TopicLink = ({ name }: { name: string }) => <a href={`#topic-${name}`}>{name}</a>;
export const TableLink = ({ name }: { name: string }) => <a href={`#table-${name}`}>{name}</a>;

export function More({ shown, of, what }: { shown: number; of: number; what: string }) {
  return of > shown ? <p class="empty">and {whole(of - shown)} more {what}</p> : null;
}

// A link to a closed card opens it.
export function followLinks(): void {
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.querySelector("summary")?.focus({ preventScroll: true });
    } else {
      target?.focus({ preventScroll: true });
    }
    target?.scrollIntoView();
  };
  addEventListener("hashchange", follow);
  addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a[href^='#']");
    if (link?.getAttribute("href") === location.hash) follow();
  });
  if (location.hash) follow();
}
