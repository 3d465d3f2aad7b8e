import { expect, it } from "vitest";
import { writeCsv } from "./csv";

it("quotes what has a separator, a quote or a break in it", () => {
  expect(writeCsv([["a", "b,c", 'd"e', "f;g"], ["", "h\ni"]])).toBe('a,"b,c","d""e","f;g"\r\n,"h\ni"\r\n');
});

it("starts no formula, and leaves numbers alone", () => {
  expect(writeCsv([["=1+1", "+cmd", "-cmd", "@sum", "\rx", "-3.5", "+1e-7", "10.0.0.1"]])).toBe("'=1+1,'+cmd,'-cmd,'@sum,\"'\rx\",-3.5,+1e-7,10.0.0.1\r\n");
});
