/** Trying changes to devices: what they would give is asked as fast as it is answered; nothing is kept until somebody says so. */
import type { Device, Preview } from "../api/types";
import { t } from "../i18n";
import { latest } from "../whatif/asking";
import type { Asking } from "../whatif/asking";
import { type Pose, type Poses, changesOf, isSamePose, poseOf, within } from "../whatif/pose";
import { attempt, notify, sentence } from "./problems";
import { source } from "./source";
import { type Trial, get, set } from "./store";

/** What a device is tried by where no answer that hangs on it is on the table. */
const MEASURE_OF: Record<string, string> = {
  camera: "camera_area_share", charger: "charging_space_share", wifi_ap: "wifi_area_share", cell: "mobile_signal_area_share", iot_gateway: "iot_area_share",
  lamp: "lighting_area_share", display: "display_area_share", speaker: "broadcast_area_share", hydrant: "hydrant_area_share",
  alarm: "alarm_key_position_share", detector: "perimeter_alarm_length_share", pole: "smart_pole_function_count",
  vending: "office_service_proximity_share", locker: "office_service_proximity_share",
}; // prettier-ignore
const WHAT_COUNTS: [RegExp, string[]][] = [
  [/^camera_/, ["camera"]], [/^charging_/, ["charger"]], [/^wifi_/, ["wifi_ap"]], [/^(mobile|fiveg)_/, ["cell"]], [/^iot_/, ["iot_gateway", "cell", "wifi_ap"]],
  [/^lighting_/, ["lamp"]], [/^display_/, ["display"]], [/^broadcast_/, ["speaker"]], [/^(hydrant|fire)_/, ["hydrant", "detector", "alarm"]],
  [/^(alarm|perimeter)_/, ["alarm", "detector", "access_control"]], [/^smart_pole_/, ["pole"]], [/^office_/, ["vending", "locker"]],
]; // prettier-ignore
const ONE_GESTURE_MS = 900; // changes of one thing in quick succession are undone together
const UNDO_STEPS = 100;

type Question = { trial: Pick<Trial, "measure" | "parameters">; poses: Poses };
let asking: Asking<Question> | null = null;
let lastGesture = { key: "", at: 0 };

/** The measure by which a device can be tried, with its parameters: that of the open answer where it counts such devices. */
export function measureFor(device: Device): { measure: string; parameters: Record<string, unknown> } | null {
  const { answer, measures } = get();
  if (answer && countsIn(answer.result.measure, device.kind)) {
    const given = Object.entries(answer.result.parameters).filter(([, one]) => one.provenance !== "default");
    return { measure: answer.result.measure, parameters: Object.fromEntries(given.map(([name, one]) => [name, one.value])) };
  }
  const measure = MEASURE_OF[device.kind];
  return measure && measures.some((one) => one.id === measure) ? { measure, parameters: {} } : null;
}

export function countsIn(measure: string, kind: string): boolean {
  return WHAT_COUNTS.some(([name, kinds]) => name.test(measure) && kinds.includes(kind));
}

export function startTrial(device: Device): void {
  const chosen = measureFor(device);
  const preview = source().preview;
  if (!chosen || !preview) return;
  stopAsking();
  set({ trial: { ...chosen, deviceId: device.id, poses: {}, past: [], preview: null, shown: null, isBusy: true, failed: null, keptAs: null }, isRightOpen: true });
  asking = latest<Question, Preview>({
    ask: ({ trial, poses }) => preview({ ...trial, changes: changesOf(poses, get().devices) }),
    show: (found, { poses }) => patch((trial) => ({ preview: found, shown: poses, isBusy: trial.poses !== poses, failed: null })),
    fail: (error) => patch(() => ({ isBusy: false, failed: sentence(error).message })),
  });
  ask();
}

/** The trial goes on with another device; what was tried before stays. */
export function tryDevice(device: Device): void {
  const { trial } = get();
  if (!trial || trial.deviceId === device.id || !countsIn(trial.measure, device.kind)) return;
  set({ trial: { ...trial, deviceId: device.id } });
}

export function deviceTried(): Device | null {
  const { trial, devices } = get();
  return devices.find((device) => device.id === trial?.deviceId) ?? null;
}

/** The pose of a device as it is tried. */
export function poseTried(device: Device): Pose {
  return get().trial?.poses[device.id] ?? poseOf(device);
}

/** Tries another pose; `gesture` names the hand's movement, so that one movement is undone at once. */
export function tryPose(device: Device, part: Partial<Pose>, gesture: string): void {
  const { trial } = get();
  if (!trial) return;
  const pose = within({ ...poseTried(device), ...part });
  const poses = { ...trial.poses, [device.id]: pose };
  if (isSamePose(pose, poseOf(device))) delete poses[device.id];
  const now = Date.now();
  const key = `${device.id}/${gesture}`;
  const isOngoing = key === lastGesture.key && now - lastGesture.at < ONE_GESTURE_MS && trial.past.length > 0;
  lastGesture = { key, at: now };
  set({ trial: { ...trial, poses, past: isOngoing ? trial.past : [...trial.past, trial.poses].slice(-UNDO_STEPS), isBusy: true, keptAs: null } });
  ask();
}

export function undoTrial(): void {
  const { trial } = get();
  const before = trial?.past.at(-1);
  if (!trial || !before) return;
  lastGesture = { key: "", at: 0 };
  set({ trial: { ...trial, poses: before, past: trial.past.slice(0, -1), isBusy: true, keptAs: null } });
  ask();
}

/** Ends the trial; nothing of it stays. */
export function endTrial(): void {
  stopAsking();
  set({ trial: null });
}

/** Keeps what is tried as a scenario of the park; answers whether it is kept. */
export async function keepTrial(name: string): Promise<boolean> {
  const { trial, devices } = get();
  const keep = source().keepScenario;
  if (!trial || !keep) return false;
  const { poses } = trial;
  const kept = await attempt(() => keep(name, changesOf(poses, devices)));
  if (!kept) return false;
  patch((now) => ({ keptAs: now.poses === poses ? kept.name : null }));
  notify(t("trial.kept", { name: kept.name }));
  return true;
}

function ask(): void {
  const { trial } = get();
  if (trial) asking?.want({ trial: { measure: trial.measure, parameters: trial.parameters }, poses: trial.poses });
}

function patch(change: (trial: Trial) => Partial<Trial>): void {
  const { trial } = get();
  if (trial) set({ trial: { ...trial, ...change(trial) } });
}

function stopAsking(): void {
  asking?.stop();
  asking = null;
  lastGesture = { key: "", at: 0 };
}
