/** The node's events over one WebSocket, from a cursor on; it connects again by itself and misses nothing. */
import { readToken } from "./client";
import type { EventView } from "./schema";

export type LinkToNode = "connecting" | "up" | "down" | "locked";

const FIRST_WAIT = 300;
const LONGEST_WAIT = 5_000;

export class EventStream {
  private socket: WebSocket | null = null;
  private cursor: number | null = null;
  private wait = FIRST_WAIT;
  private timer = 0;
  private ended = false;

  constructor(
    private readonly onEvent: (event: EventView) => void,
    private readonly onState: (state: LinkToNode) => void,
  ) {
    this.connect();
  }

  private connect(): void {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/ws`);
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ token: readToken(), after: this.cursor }));
    socket.onmessage = (message: MessageEvent<string>) => this.take(JSON.parse(message.data));
    socket.onclose = (closed) => {
      if (this.ended) return;
      if (closed.code === 4401) return this.onState("locked");
      this.onState("down");
      this.timer = window.setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
    };
  }

  private take(said: EventView | { cursor: number } | { error: unknown }): void {
    if ("kind" in said) {
      this.cursor = said.cursor;
      this.onEvent(said);
    } else if ("cursor" in said) {
      this.cursor ??= said.cursor;
      this.wait = FIRST_WAIT;
      this.onState("up");
    }
  }

  end(): void {
    this.ended = true;
    window.clearTimeout(this.timer);
    this.socket?.close();
  }
}
