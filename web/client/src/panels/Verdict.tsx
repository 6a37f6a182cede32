/** A verdict: a word, a shape and a colour. */
import { useTranslation } from "react-i18next";

import { VerdictShape } from "./icons";

export function Verdict({ verdict }: { verdict: string }) {
  const { t } = useTranslation();
  return (
    <span className={`verdict is-${verdict}`} data-testid="verdict">
      <VerdictShape verdict={verdict} />
      {t(`verdict.${verdict}`)}
    </span>
  );
}
