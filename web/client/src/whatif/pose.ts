/** Where a device stands and looks, what of that somebody tries otherwise, and the changes that say so to the server. */
import type { Device, DeviceChange } from "../api/types";
import { offset } from "../map/earth";

/** Place [deg], height above floor or ground [m], direction and opening [deg]; null where the device has none. */
export interface Pose {
  lon: number;
  lat: number;
  height_m: number | null;
  azimuth_deg: number | null;
  tilt_deg: number | null;
  hfov_deg: number | null;
}
export type Poses = Readonly<Record<string, Pose>>;
type Angle = "azimuth_deg" | "tilt_deg" | "hfov_deg";

const USUAL_HFOV_DEG = 78; // where a camera's table says none
const TELE_DEG = 2;
const WIDE_DEG = 179;

/** A device as its table has it. */
export function poseOf(device: Device): Pose {
  const { attributes } = device;
  const isCamera = device.kind === "camera";
  const azimuth = numberIn(attributes, "azimuth_deg");
  return {
    lon: device.lon,
    lat: device.lat,
    height_m: device.height_m,
    azimuth_deg: azimuth ?? (isCamera ? 0 : null),
    tilt_deg: numberIn(attributes, "tilt_deg") ?? (isCamera ? 0 : null),
    hfov_deg: isCamera ? (numberIn(attributes, "hfov_deg") ?? USUAL_HFOV_DEG) : null,
  };
}

/** The height of the floor that an indoor device stands over; null outdoors, where the ground says it. [m, park datum] */
export function floorOf(device: Device): number | null {
  return device.storey_id && device.height_m !== null ? device.h_m - device.height_m : null;
}

/** A pose within what there is: azimuths round the circle, tilts and openings within their limits. */
export function within(pose: Pose): Pose {
  const { azimuth_deg, tilt_deg, hfov_deg, height_m } = pose;
  return {
    ...pose,
    azimuth_deg: azimuth_deg === null ? null : round(((azimuth_deg % 360) + 360) % 360, 1) % 360,
    tilt_deg: tilt_deg === null ? null : round(Math.max(-90, Math.min(90, tilt_deg)), 1),
    hfov_deg: hfov_deg === null ? null : round(Math.max(TELE_DEG, Math.min(WIDE_DEG, hfov_deg)), 1),
    height_m: height_m === null ? null : round(Math.max(0, Math.min(200, height_m)), 2),
  };
}

/** A pose so many metres to the east and the north. */
export function moved(pose: Pose, east: number, north: number): Pose {
  const [lon, lat] = offset(pose.lon, pose.lat, east, north);
  return { ...pose, lon, lat };
}

export function isSamePose(a: Pose, b: Pose): boolean {
  return (Object.keys(a) as (keyof Pose)[]).every((key) => a[key] === b[key]);
}

/** What all poses that differ from their devices change, device by device. */
export function changesOf(poses: Poses, devices: readonly Device[]): DeviceChange[] {
  return devices.flatMap((device) => {
    const pose = poses[device.id];
    return pose ? changesOfOne(device, pose) : [];
  });
}

function changesOfOne(device: Device, pose: Pose): DeviceChange[] {
  const before = poseOf(device);
  const { id } = device;
  const out: DeviceChange[] = [];
  const isHigher = pose.height_m !== null && pose.height_m !== before.height_m;
  if (pose.lon !== before.lon || pose.lat !== before.lat || isHigher) {
    out.push({ op: "move", id, lon: pose.lon, lat: pose.lat, ...(isHigher ? { height_m: pose.height_m! } : {}) });
  }
  const values = turnsOf(device, before, pose);
  if (Object.keys(values).length > 0) out.push({ op: "set", id, values });
  return out;
}

/** Angles that differ; what hangs on them goes along: the height of the picture, and the positions a turning camera keeps. */
function turnsOf(device: Device, before: Pose, pose: Pose): Record<string, unknown> {
  const differs = (name: Angle): boolean => pose[name] !== null && pose[name] !== before[name];
  const values: Record<string, unknown> = {};
  for (const name of ["azimuth_deg", "tilt_deg", "hfov_deg"] as const) if (differs(name)) values[name] = pose[name];
  const vfov = numberIn(device.attributes, "vfov_deg");
  if (differs("hfov_deg") && vfov !== null) values.vfov_deg = round(zoomed(vfov, before.hfov_deg!, pose.hfov_deg!), 2);
  const presets = presetsOf(device.attributes.presets);
  if (presets && Object.keys(values).length > 0) values.presets = JSON.stringify(presets.map((preset) => presetTurned(preset, before, pose)));
  return values;
}

/** An angle of view after a zoom that takes another one from `from` to `to`; rectilinear. [deg] */
export function zoomed(angle: number, from: number, to: number): number {
  const half = (degrees: number): number => Math.tan((Math.min(degrees, 170) * Math.PI) / 360);
  return (Math.atan((half(angle) * half(to)) / half(from)) * 360) / Math.PI;
}

type Preset = Record<string, unknown>;

/** The positions a turning camera keeps, as tables write them: JSON, or text of it. */
export function presetsOf(told: unknown): Preset[] | null {
  let list = told;
  if (typeof told === "string") {
    try {
      list = JSON.parse(told);
    } catch {
      return null;
    }
  }
  const isList = Array.isArray(list) && list.length > 0 && list.every((one) => one !== null && typeof one === "object" && "azimuth_deg" in one);
  return isList ? (list as Preset[]) : null;
}

/** A mount that is turned takes all its positions along. */
function presetTurned(preset: Preset, before: Pose, pose: Pose): Preset {
  const turned: Preset = { ...preset };
  const azimuth = numberIn(preset, "azimuth_deg");
  const tilt = numberIn(preset, "tilt_deg");
  const hfov = numberIn(preset, "hfov_deg");
  if (azimuth !== null && pose.azimuth_deg !== null) turned.azimuth_deg = round((azimuth + pose.azimuth_deg - (before.azimuth_deg ?? 0) + 720) % 360, 1) % 360;
  if (tilt !== null && pose.tilt_deg !== null) turned.tilt_deg = round(Math.max(-90, Math.min(90, tilt + pose.tilt_deg - (before.tilt_deg ?? 0))), 1);
  if (hfov !== null && pose.hfov_deg !== null && pose.hfov_deg !== before.hfov_deg) turned.hfov_deg = round(zoomed(hfov, before.hfov_deg!, pose.hfov_deg), 2);
  return turned;
}

export function numberIn(attributes: Record<string, unknown>, name: string): number | null {
  const told = attributes[name];
  const value = Number(told);
  return told === null || told === undefined || told === "" || typeof told === "boolean" || !Number.isFinite(value) ? null : value;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
