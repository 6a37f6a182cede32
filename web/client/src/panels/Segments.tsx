/** A few choices side by side, one of them taken: a radio group, so that arrow keys move in it. */
import { type KeyboardEvent, type ReactNode, useRef } from "react";

export interface Segment<T extends string> {
  value: T;
  label: ReactNode;
  title?: string;
  testId?: string;
}

export function Segments<T extends string>(props: { label: string; value: T; options: Segment<T>[]; onChange: (value: T) => void; className?: string }) {
  const { label, value, options, onChange, className = "" } = props;
  const group = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const index = options.findIndex((option) => option.value === value);
    const next = options[(index + step + options.length) % options.length]!;
    onChange(next.value);
    group.current?.querySelectorAll<HTMLElement>("[role=radio]")[options.indexOf(next)]?.focus();
  };
  return (
    <div className={`segments ${className}`} role="radiogroup" aria-label={label} ref={group} onKeyDown={onKey}>
      {options.map((option) => (
        <button
          key={option.value}
          role="radio"
          aria-checked={option.value === value}
          tabIndex={option.value === value ? 0 : -1}
          title={option.title}
          data-testid={option.testId}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
