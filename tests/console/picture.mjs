// A picture of the page. Headless Chromium now and then waits for a frame that it never draws (a timeout with the fonts loaded); a new
// size makes it draw again.
export async function picture(page, options) {
  const size = page.viewportSize();
  for (let left = 3; ; left--) {
    try {
      return await page.screenshot({ timeout: 15000, ...options });
    } catch (error) {
      if (left === 0 || error.name !== "TimeoutError") throw error;
      await page.setViewportSize({ width: size.width, height: size.height + 1 });
      await page.setViewportSize(size);
    }
  }
}
