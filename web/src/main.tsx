import { render } from "preact";
import { useState } from "preact/hooks";
import { BoardView } from "./board";
import { Dags } from "./dags";
import { Ask, Tables, Topics } from "./data";
import { bytes } from "./format";
import { Graph } from "./graph";
import { followLinks } from "./link";
import { boards, connected, listen, state } from "./state";
import { Streams } from "./streams";
import "./style.css";

function ThemeButton() {
  const [theme, setTheme] = useState(localStorage.getItem("theme") ?? "");
  const next: Record<string, string> = { "": "dark", dark: "light", light: "" };
  const choose = () => {
    const chosen = next[theme] ?? "";
    localStorage.setItem("theme", chosen);
    setTheme(chosen);
    applyTheme(chosen);
  };
  return <button class="quiet" onClick={choose}>{theme === "" ? "Theme: system" : `Theme: ${theme}`}</button>;
}

function applyTheme(theme: string): void {
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  dispatchEvent(new Event("themechange"));
}

function Header() {
  const { project, kafka, cql, people, rss_bytes } = state.value;
  return (
    <header class="top">
      <h1>weir</h1>
      <span class="dim" title={project}>{project.split("/").slice(-2).join("/")}</span>
      <span class={connected.value ? "live" : "live lost"} role="status">{connected.value ? "live" : "connection lost, trying again"}</span>
      <span class="addresses dim">
        <span>Kafka <code>{kafka}</code></span><span>CQL <code>{cql}</code></span>
        <span>people <a href={`http://${people}/api/?results=3&format=pretty`}>{people}</a></span>
        <a href="/metrics">metrics</a><span>{bytes(rss_bytes)} in memory</span>
      </span>
      <ThemeButton />
    </header>
  );
}

function Section({ id, title, children }: { id: string; title: string; children: preact.ComponentChildren }) {
  return <section aria-labelledby={id}><h2 id={id}>{title}</h2>{children}</section>;
}

function App() {
  return (
    <>
      <Header />
      <main>
        <Section id="pipeline" title="Pipeline"><Graph /></Section>
        {boards.value.map((board) => <Section id={`board-${board.name}`} title={board.title} key={board.name}><BoardView board={board} /></Section>)}
        <Section id="dags" title="DAGs"><Dags /></Section>
        <Section id="queries" title="Queries"><Streams /></Section>
        <Section id="topics" title="Topics"><Topics /></Section>
        <Section id="tables" title="Tables"><Tables /></Section>
        <Section id="ask" title="Ask"><Ask /></Section>
      </main>
    </>
  );
}

applyTheme(localStorage.getItem("theme") ?? "");
render(<App />, document.getElementById("app")!);
followLinks();
listen();
