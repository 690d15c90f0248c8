import type { EventSink } from "../events/event.ts";

/**
 * The last line of defence: an error that nobody has caught becomes an event, and the process goes on. There is no known way to
 * one; a proxy that ends because of one client would end all others too. Disposing gives the runtime's own way back.
 */
export function outliveFaults(events: EventSink): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    events.emit({ type: "fault", error: event.reason });
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    events.emit({ type: "fault", error: event.error });
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}
