/** What the page says of itself: it is loading, it failed, it is empty, something went wrong. */
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { loadPark } from "../state/park";
import { set, useStore } from "../state/store";
import { Icon } from "./icons";

const NOTICE_MS = 8000;

export function LoadingVeil() {
  const { t } = useTranslation();
  const loading = useStore((state) => state.loading);
  if (!loading) return null;
  return (
    <div className="veil" role="status" data-testid="loading">
      <div className="veil-box">
        <p>{t(`loading.${loading.what}`)}</p>
        <div className="progress-bar" aria-hidden="true">
          <i style={{ width: `${Math.max(6, (loading.done / loading.total) * 100)}%` }} />
        </div>
      </div>
    </div>
  );
}

export function Failure() {
  const { t } = useTranslation();
  const failure = useStore((state) => state.failure);
  if (!failure) return null;
  return (
    <div className="veil" role="alert" data-testid="failure">
      <div className="veil-box panel">
        <h2>{t("problem.title")}</h2>
        <p>{failure.message}</p>
        {failure.hint && <p className="dim">{failure.hint}</p>}
        <button className="action is-primary" onClick={() => void loadPark()}>
          <Icon name="refresh" />
          {t("problem.retry")}
        </button>
      </div>
    </div>
  );
}

/** A park with nothing in it says how to fill it. */
export function EmptyPark() {
  const { t } = useTranslation();
  const { park, buildings, devices, layers } = useStore();
  if (!park || buildings.length + devices.length + layers.length > 0) return null;
  return (
    <div className="empty-park panel" data-testid="empty-park">
      <h2>{t("empty.title")}</h2>
      <p>{t("empty.text")}</p>
      <code>{t("empty.command")}</code>
    </div>
  );
}

export function Notice() {
  const { t } = useTranslation();
  const notice = useStore((state) => state.notice);
  useEffect(() => {
    if (!notice) return undefined;
    const timer = setTimeout(() => set({ notice: null }), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  if (!notice) return null;
  return (
    <div className="notice panel" role="alert" data-testid="notice">
      <Icon name="info" />
      <p>{notice.message}</p>
      <button className="icon-button is-small" onClick={() => set({ notice: null })} aria-label={t("problem.dismiss")}>
        <Icon name="close" size={14} />
      </button>
    </div>
  );
}
