/** Asking a question that changes faster than it is answered: one at a time, the newest next, and what is overtaken is never asked. */

export interface Asking<Q> {
  want(question: Q): void;
  stop(): void;
}

export interface Answers<Q, A> {
  ask(question: Q): Promise<A>;
  show(answer: A, question: Q): void;
  fail(error: unknown): void;
  /** Runs a task before the next picture; the browser's own by default. */
  frame?: (task: () => void) => void;
  now?: () => number;
}

const SLOW_MS = 1500; // an answer that takes longer is asked for only once nobody moves anything
const QUIET_MS = 500;

export function latest<Q, A>({ ask, show, fail, frame = (task) => requestAnimationFrame(() => task()), now = () => performance.now() }: Answers<Q, A>): Asking<Q> {
  let wanted: { question: Q; at: number } | null = null;
  let isAsking = false;
  let isScheduled = false;
  let isStopped = false;
  let lastTook = 0;

  const schedule = (): void => {
    if (isScheduled || isAsking || isStopped || !wanted) return;
    isScheduled = true;
    frame(turn);
  };
  const turn = (): void => {
    isScheduled = false;
    if (isStopped || !wanted) return;
    if (lastTook > SLOW_MS && now() - wanted.at < QUIET_MS) return schedule();
    void put(wanted.question);
  };
  const put = async (question: Q): Promise<void> => {
    wanted = null;
    isAsking = true;
    const started = now();
    try {
      const answer = await ask(question);
      if (!isStopped) show(answer, question);
    } catch (error) {
      if (!isStopped) fail(error);
    }
    lastTook = now() - started;
    isAsking = false;
    schedule();
  };
  return {
    want(question) {
      wanted = { question, at: now() };
      schedule();
    },
    stop() {
      isStopped = true;
      wanted = null;
    },
  };
}
