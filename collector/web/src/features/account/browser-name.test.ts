import { expect, it } from "vitest";
import { browserName } from "./browser-name";

it("names browsers that pretend to be each other", () => {
  const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
  expect(browserName(chrome)).toBe("Chrome on Linux");
  expect(browserName(`${chrome.replace("X11; Linux x86_64", "Windows NT 10.0")} Edg/140.0`)).toBe("Edge on Windows");
  const iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
  expect(browserName(iphone)).toBe("Safari on iPhone");
});

it("tells what is no browser by its first word", () => {
  expect(browserName("curl/8.5.0")).toBe("curl");
  expect(browserName("")).toBe("Unknown browser");
});
