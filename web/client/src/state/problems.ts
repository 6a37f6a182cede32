/** Saying what went wrong, once, in the page's language. */
import { ProblemError } from "../api/http";
import { t } from "../i18n";
import { set } from "./store";

let counter = 0;

export function sentence(error: unknown): { message: string; hint: string | undefined } {
  if (error instanceof ProblemError) {
    const known = error.code === "unreachable" || !error.message;
    return { message: known ? t(`problem.${error.code === "unreachable" ? "unreachable" : "unexpected"}`) : error.message, hint: error.hint };
  }
  return { message: t("problem.unexpected"), hint: error instanceof Error ? error.message : undefined };
}

/** Shows a sentence for some seconds. */
export function notify(message: string): void {
  set({ notice: { id: ++counter, message } });
}

/** Runs a task; what it throws is said to the person. */
export async function attempt<T>(task: () => Promise<T>, given?: AbortSignal): Promise<T | null> {
  try {
    return await task();
  } catch (error) {
    if (given?.aborted) return null; // nobody waits for it any more
    const { message, hint } = sentence(error);
    notify(hint ? `${message} ${hint}` : message);
    return null;
  }
}
