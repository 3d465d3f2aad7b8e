import { expect, it } from "vitest";
import { changedLines, markPattern, secretsChanged } from "./marks";

const UNIFIED = `--- a
+++ b
@@ -1,4 +1,5 @@
 hostname core-1
-enable secret «secret:0a1b2c3d»
+enable secret «secret:11223344»
--- a banner that looks like a header
 line vty 0 4
+ exec-timeout 5 0
`;

it("finds the marks of secrets and nothing like them", () => {
  const text = "password «secret:0a1b2c3d», «secret», «secret:xyz», secret:0a1b2c3d";
  expect([...text.matchAll(markPattern())].map(([mark]) => mark)).toEqual(["«secret:0a1b2c3d»", "«secret»"]);
});

it("reads what a unified diff takes away and brings, and not its head", () => {
  expect(changedLines(UNIFIED)).toEqual({
    before: ["enable secret «secret:0a1b2c3d»", "-- a banner that looks like a header"],
    after: ["enable secret «secret:11223344»", " exec-timeout 5 0"],
  });
});

it("counts lines of which only the secret is another", () => {
  const { before, after } = changedLines(UNIFIED);
  expect(secretsChanged(before, after)).toBe(1);
  expect(secretsChanged(["user a «secret:0a1b2c3d»"], ["user b «secret:0a1b2c3d»"])).toBe(0);
  expect(secretsChanged(["key «secret:00000000»"], ["key «secret:11111111»", "key «secret:22222222»"])).toBe(1);
  expect(secretsChanged([], ["key «secret:11111111»"])).toBe(0);
});
