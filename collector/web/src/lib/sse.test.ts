import { expect, it } from "vitest";
import { SseParser } from "./sse";

it("reads events however the bytes are cut", () => {
  const text = 'id: 7\r\nevent: devices\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: hb\n\ndata: x\n\n';
  for (let cut = 0; cut <= text.length; cut += 1) {
    const parser = new SseParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    expect(events).toEqual([
      { id: "7", type: "devices", data: '{"a":\n1}' },
      { id: "7", type: "message", data: "x" },
    ]);
  }
});

it("gives up an endless line", () => {
  const parser = new SseParser();
  expect(() => parser.push("d".repeat(9 * 1024 * 1024))).toThrow(/too long/);
});
