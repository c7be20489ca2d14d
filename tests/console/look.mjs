// Opens the console in Debian's chromium, waits for figures, takes screenshots, and prints what it saw as JSON.
// usage: node look.mjs ADDRESS OUT_FOLDER
import { chromium } from "playwright-core";
import { picture } from "./picture.mjs";

const [address, out] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  timeout: 60000,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const seen = { errors: [], requests: [] };
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(60000);
page.on("pageerror", (error) => seen.errors.push(String(error)));
page.on("console", (message) => { if (message.type() === "error") seen.errors.push(message.text()); });
page.on("request", (request) => seen.requests.push(new URL(request.url()).pathname));

const number = (title) => page.locator(".panel.of-number", { hasText: title }).locator(".number").innerText().then((text) => Number(text.replace(/\D/g, "")));

await page.goto(address, { waitUntil: "commit" });
await page.waitForSelector(".graph .node");
seen.first_paint_nodes = await page.locator(".graph .node").count();
await page.waitForFunction(() => Number(document.querySelector(".panel.of-number .number")?.textContent.replace(/\D/g, "")) > 0);
seen.people = await number("People");
// Another query counts the countries: it may have got less far.
await page.waitForFunction(() => [...document.querySelectorAll(".panel.of-number")].some((one) => one.textContent.includes("Countries") && Number(one.querySelector(".number")?.textContent.replace(/\D/g, "")) > 5));
seen.countries = await number("Countries");
await page.waitForFunction((before) => Number(document.querySelector(".panel.of-number .number")?.textContent.replace(/\D/g, "")) > before, seen.people);
seen.people_later = await number("People");
seen.nodes = await page.locator(".graph .node").allTextContents();
seen.edges = await page.locator(".graph .edge").count();
seen.sentence = await page.locator("#dag-user_automation .sentence").innerText();
seen.tasks = await page.locator("#dag-user_automation .task").count();
seen.requests_at_first_paint = seen.requests.filter((path) => path !== "/favicon.ico").length;
await page.waitForFunction(() => document.querySelectorAll(".panel.of-bar li").length === 10);
await picture(page, { path: `${out}/console-light.png`, fullPage: true });
await page.setViewportSize({ width: 1280, height: 1180 });
await picture(page, { path: `${out}/console.png` }); // the README's, by `make screenshot`
await page.setViewportSize({ width: 1280, height: 900 });

await page.locator("#dag-user_automation summary", { hasText: "Log" }).first().click();
await page.waitForFunction(() => /people|records/i.test(document.querySelector("#dag-user_automation pre")?.innerText)); // a page is told after it was put
seen.log = await page.locator("#dag-user_automation pre").first().innerText();
await page.locator("#topic-users_created > summary").click();
await page.waitForSelector("#topic-users_created .message");
await page.locator("#topic-users_created .message summary").first().click();
seen.message = await page.locator("#topic-users_created .message pre").first().innerText();
await page.locator("[id='table-spark_streams.created_users'] > summary").click();
await page.waitForSelector("[id='table-spark_streams.created_users'] td");
seen.row_cells = await page.locator("[id='table-spark_streams.created_users'] tbody tr").first().locator("td").count();

// Every control is reached by the keyboard.
seen.focusable = await page.evaluate(() => [...document.querySelectorAll("button, summary, a[href]")].every((element) => element.tabIndex >= 0));

await page.emulateMedia({ colorScheme: "dark" });
await picture(page, { path: `${out}/console-dark.png` });
await page.setViewportSize({ width: 400, height: 800 });
await page.evaluate(() => scrollTo(0, 0));
seen.overflow_400 = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
await picture(page, { path: `${out}/console-400.png` });
await browser.close();
console.log(JSON.stringify(seen));
