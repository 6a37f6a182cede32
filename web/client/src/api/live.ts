/** The live stream: one WebSocket that comes back by itself. */
import type { LiveMessage } from "./types";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/** How long to wait before try `attempt` (from 0); doubling, so that a server that is down is not hammered. */
export function waitBefore(attempt: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
}

export function connectLive(path: string, onMessage: (message: LiveMessage) => void, onState: (isUp: boolean) => void): () => void {
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;
  let isStopped = false;

  const open = (): void => {
    socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
    socket.onopen = () => {
      attempt = 0;
      onState(true);
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      const message = read(event.data);
      if (message) onMessage(message);
    };
    socket.onclose = () => {
      onState(false);
      if (!isStopped) timer = setTimeout(open, waitBefore(attempt++));
    };
  };
  open();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    socket?.close();
  };
}

function read(text: string): LiveMessage | null {
  try {
    const message = JSON.parse(text) as { type?: unknown };
    return message.type === "event" || message.type === "hello" ? (message as LiveMessage) : null;
  } catch {
    return null; // a line that is no JSON is no message of ours
  }
}
