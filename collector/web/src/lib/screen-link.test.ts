import { afterEach, expect, it } from "vitest";
import { keepLinkToken, screenLink, takeLinkToken, tokenIn } from "./screen-link";

afterEach(() => history.replaceState(null, "", "/"));

it("takes the token out of the address and hands it out once", () => {
  history.replaceState(null, "", "/wall?theme=light#fws_abc_def");
  keepLinkToken();
  expect(location.pathname + location.search + location.hash).toBe("/wall?theme=light");
  expect(takeLinkToken()).toBe("fws_abc_def");
  expect(takeLinkToken()).toBeNull();
});

it("leaves every other address alone", () => {
  for (const address of ["/wall#help", "/fleet#fws_abc_def"]) {
    history.replaceState(null, "", address);
    keepLinkToken();
    expect(location.pathname + location.hash).toBe(address);
    expect(takeLinkToken()).toBeNull();
  }
});

it("finds the token in a link and alone", () => {
  expect(tokenIn(` ${screenLink("https://noc.example", "fws_a_b")}\n`)).toBe("fws_a_b");
  expect(tokenIn("fws_a_b")).toBe("fws_a_b");
  for (const wrong of ["", "https://noc.example/wall", "fwk_a_b", "fws_a b"]) expect(tokenIn(wrong)).toBeNull();
});
