// Looks at the project of troubles: prints what a person sees without a click, then after each deed, as JSON.
// usage: node troubles.mjs ADDRESS OUT_FOLDER
import { chromium } from "playwright-core";
import { picture } from "./picture.mjs";

const [address, out] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  timeout: 60000,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const seen = { errors: [] };
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(60000);
page.on("pageerror", (error) => seen.errors.push(String(error)));
const dag = (name) => page.locator(`#dag-${name}`);
const text = (selector) => page.locator(selector).first().innerText();
const loosely = (name, wanted) => page.waitForFunction(([id, part]) => document.getElementById(id)?.innerText.includes(part), [name, wanted]);

await page.goto(address, { waitUntil: "commit" });
await loosely("dag-nightly_export", "disk quota");
await loosely("query-behind", "19 records behind");
await page.waitForFunction(() => document.querySelectorAll("#query-behind .spark rect").length === 2);
await loosely("dag-slow", "waits for sleep, running for"); // its run runs before its task does
for (const words of ["the query gives no column 'age'", "Undefined column name nothing", "no rows yet"])
  await page.waitForFunction((part) => [...document.querySelectorAll(".panel")].some((one) => one.innerText.includes(part)), words); // each has its own query
await page.waitForFunction(() => [...document.querySelectorAll(".graph .edge text")].some((one) => one.textContent.includes("lag 19")));

// The five questions, without a click.
seen.cards = {};
for (const name of ["nightly_export", "traceback", "fetched_nothing", "allowed_nothing", "slow"]) seen.cards[name] = await dag(name).innerText();
seen.empty_run_class = await page.locator("#dag-allowed_nothing .run").first().getAttribute("class");
seen.links = await dag("nightly_export").locator("a").evaluateAll((all) => all.map((one) => one.getAttribute("href")));
seen.graph = await page.locator(".graph .node").allTextContents();
seen.edges = await page.locator(".graph .edge text").allTextContents();
seen.queries = { behind: await text("#query-behind"), wrong: await text("#query-wrong_column"), bars: await page.locator("#query-behind .spark rect").count() };
seen.panels = await page.locator(".panel").allInnerTexts();

// Trigger, then look at the older run and at the log of a try.
await dag("nightly_export").getByRole("button", { name: "Run nightly_export now" }).click();
await page.waitForFunction(() => document.querySelectorAll("#dag-nightly_export .run.failed").length === 2);
await page.locator("#dag-nightly_export .run").nth(1).click();
await page.waitForFunction(() => /^Run manual/.test(document.querySelector("#dag-nightly_export .which")?.innerText) && document.querySelectorAll("#dag-nightly_export .task").length === 4);
seen.older_run = await text("#dag-nightly_export .which");
await page.locator("#dag-traceback details summary", { hasText: "Log" }).click();
await page.waitForFunction(() => document.querySelector("#dag-traceback details pre")?.innerText.includes("Traceback"));
await dag("traceback").getByRole("button", { name: "try 1" }).click();
await page.waitForFunction(() => document.querySelector("#dag-traceback [aria-pressed=true].quiet")?.innerText === "try 1");
seen.log = await text("#dag-traceback details pre");

// By the keyboard alone: run again from `ship` of the older run.
const ship = page.locator("#dag-nightly_export .task", { hasText: "disk quota" });
await ship.getByRole("button", { name: /^Run again from here/ }).focus();
await page.keyboard.press("Enter");
await ship.getByRole("alertdialog").waitFor();
seen.asked = await ship.getByRole("alertdialog").innerText();
await page.waitForFunction(() => document.activeElement?.textContent === "Yes, run");
await page.keyboard.press("Enter");
await page.waitForFunction(() => [...document.querySelectorAll("#dag-nightly_export .task")].some((one) => one.innerText.includes("try 2") && one.innerText.includes("disk quota")));

// Pause: the page says so.
await dag("slow").getByRole("button", { name: "Pause slow" }).click();
await dag("slow").getByRole("button", { name: "Unpause slow" }).waitFor();
seen.paused = await dag("slow").innerText();

// A topic of outside producers: group, filter, older messages; what is open and typed survives new state.
await page.evaluate(() => { location.hash = "#topic-outside"; });
await page.waitForFunction(() => document.querySelectorAll("#topic-outside .message").length === 50);
await loosely("topic-outside", "up to 65 behind");
seen.topic = await text("#topic-outside > summary");
seen.groups = await text("#topic-outside .groups");
await page.getByRole("button", { name: "Load 50 older" }).click();
await page.waitForFunction(() => document.querySelectorAll("#topic-outside .message").length === 70);
await page.getByRole("searchbox", { name: "Filter messages of outside" }).fill("\"n\":42");
await page.waitForFunction(() => document.querySelectorAll("#topic-outside .message").length === 1);
await page.locator("#topic-outside .message summary").click();
seen.message = await text("#topic-outside .message");
const before = await page.evaluate(() => { scrollTo(0, document.body.scrollHeight); return [scrollY, document.querySelectorAll("details[open]").length]; });
await page.evaluate(() => fetch("/api/topics", { method: "POST", body: JSON.stringify({ name: "zz_new", partitions: 1 }) }));
await page.waitForSelector("#topic-zz_new", { state: "attached" });
const later = await page.evaluate(() => [document.querySelector("#topic-outside input").value, document.querySelectorAll("details[open]").length]);
seen.survives = later[0] === "\"n\":42" && later[1] === before[1];

// Ask: a result with types and NULL, a mistake with its caret.
const box = page.getByRole("textbox", { name: "Query" });
await box.fill("SELECT 1 AS one, CAST(NULL AS STRING) AS nothing");
await box.press("Control+Enter");
await page.waitForSelector(".ask td");
seen.answer = await text(".ask table");
await box.fill("SELECT *\n  FROM orders WHER x = 1");
await box.press("Control+Enter");
await page.waitForSelector(".ask pre.error");
seen.mistake = await page.locator(".ask pre.error").evaluate((one) => ({ text: one.textContent, font: getComputedStyle(one).fontFamily, space: getComputedStyle(one).whiteSpace }));

// Tab alone reaches the controls in order, and what has the focus shows it.
await page.evaluate(() => { history.replaceState(null, "", "/"); scrollTo(0, 0); document.activeElement.blur(); });
seen.reached = [];
for (let i = 0; i < 60; i++) {
  await page.keyboard.press("Tab");
  seen.reached.push(await page.evaluate(() => {
    const one = document.activeElement, rect = one.querySelector("rect");
    const style = getComputedStyle(rect ?? one);
    return { tag: one.tagName.toLowerCase(), name: one.getAttribute("aria-label") ?? one.textContent, visible: rect ? parseFloat(style.strokeWidth) > 3 : style.outlineStyle !== "none" };
  }));
}
seen.unnamed = await page.evaluate(() => [...document.querySelectorAll("button, summary, input, select, textarea, a[href]")].filter((one) => !(one.getAttribute("aria-label") ?? one.textContent).trim()).length);

await page.emulateMedia({ colorScheme: "dark" });
await page.setViewportSize({ width: 400, height: 800 });
await page.waitForFunction(() => document.querySelector(".graph svg").viewBox.baseVal.width < 400);
seen.overflow_400 = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
seen.graph_scale_400 = await page.evaluate(() => document.querySelector(".graph svg").getBoundingClientRect().width / document.querySelector(".graph svg").viewBox.baseVal.width);
await picture(page, { path: `${out}/troubles-400.png`, fullPage: true });
await browser.close();
console.log(JSON.stringify(seen));
