/** The page: the map under everything, panels floating over it. */
import { ConfigProvider, theme as antdTheme } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { Suspense, lazy, useEffect } from "react";
import { useTranslation } from "react-i18next";

import type { MapSources } from "../map/engine";
import { CameraBar } from "../panels/CameraBar";
import { LeftPanel } from "../panels/LeftPanel";
import { MapCanvas } from "../panels/MapCanvas";
import { EmptyPark, Failure, LoadingVeil, Notice } from "../panels/Notices";
import { SectionPanel } from "../panels/SectionPanel";
import { StatusBar } from "../panels/StatusBar";
import { StoreySwitch } from "../panels/StoreySwitch";
import { TopBar } from "../panels/TopBar";
import { useStore } from "../state/store";
import { useKeys } from "./keys";

const RightPanel = lazy(() => import("../panels/RightPanel").then((module) => ({ default: module.RightPanel })));

const TOKENS = {
  light: { colorPrimary: "#0b6bcb", colorText: "#17212b", colorTextSecondary: "#5f6b78", colorBorder: "#d3dae2", colorBgElevated: "#ffffff" },
  dark: { colorPrimary: "#4aa8ff", colorText: "#e7eef5", colorTextSecondary: "#8fa1b3", colorBorder: "#2c3d4f", colorBgElevated: "#17222e" },
};

export function App({ map }: { map: MapSources }) {
  const { t } = useTranslation();
  const language = useStore((state) => state.language);
  const theme = useStore((state) => state.theme);
  const park = useStore((state) => state.park);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  useKeys();
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  useEffect(() => {
    document.title = park ? t("title", { park: park.name }) : t("brand");
  }, [park, t]);
  return (
    <ConfigProvider
      locale={language === "zh" ? zhCN : enUS}
      button={{ autoInsertSpace: false }}
      theme={{
        algorithm: theme === "dark" ? antdTheme.darkAlgorithm : antdTheme.defaultAlgorithm,
        token: { ...TOKENS[theme], borderRadius: 8, fontSize: 13, controlHeight: 32, fontFamily: "var(--font)", motion: !isStill },
      }}
    >
      <div className="page">
        <MapCanvas sources={map} />
        <TopBar />
        <LeftPanel />
        <Suspense fallback={null}>
          <RightPanel />
        </Suspense>
        <StoreySwitch />
        <CameraBar />
        <SectionPanel />
        <StatusBar />
        <EmptyPark />
        <LoadingVeil />
        <Failure />
        <Notice />
      </div>
    </ConfigProvider>
  );
}
