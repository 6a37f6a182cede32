/** What a camera would look at on level ground with nothing in the way: drawn at once, before the server has said what is in the way. */
import type { Device } from "../api/types";
import { degreesPerMetre, offset } from "../map/earth";
import { type Pose, numberIn, zoomed } from "./pose";

const DEGREE = Math.PI / 180;
const USUAL_RANGE_M = 60;
const FARTHEST_M = 200; // beyond, a wedge says nothing and covers the map
const STEPS = 24;
const SHAPE = 9 / 16; // height over width of the usual picture

/** How far a camera looks, and how high its picture is. [m, deg] */
function reachOf(device: Device, pose: Pose): { range: number; vfov: number } {
  const own = numberIn(device.attributes, "range_m");
  const before = numberIn(device.attributes, "hfov_deg");
  const vfov = numberIn(device.attributes, "vfov_deg");
  const hfov = pose.hfov_deg ?? 78;
  const high = vfov !== null && before !== null ? zoomed(vfov, before, hfov) : (Math.atan(Math.tan((Math.min(hfov, 170) / 2) * DEGREE) * SHAPE) * 2) / DEGREE;
  return { range: Math.min(own ?? USUAL_RANGE_M, FARTHEST_M), vfov: high };
}

/** Distances along the ground at which the picture begins and ends; null where it shows no ground. [m] */
export function groundSpan(height: number, tilt: number, vfov: number, range: number): [number, number] | null {
  const [steep, flat] = [tilt + vfov / 2, tilt - vfov / 2];
  if (steep <= 0) return null;
  const near = steep >= 90 ? 0 : height / Math.tan(steep * DEGREE);
  const far = flat <= 0 ? range : Math.min(range, height / Math.tan(flat * DEGREE));
  return near < far ? [near, far] : null;
}

/** The outline on the ground as longitude and latitude; empty where the picture shows none. */
export function outlineOf(device: Device, pose: Pose): [number, number][] {
  if (device.kind !== "camera" || pose.azimuth_deg === null || pose.hfov_deg === null) return [];
  const { range, vfov } = reachOf(device, pose);
  const span = groundSpan(Math.max(pose.height_m ?? 3, 0.5), pose.tilt_deg ?? 0, vfov, range);
  if (!span) return [];
  const [near, far] = span;
  const at = (distance: number, share: number): [number, number] => {
    const angle = (pose.azimuth_deg! + (share - 0.5) * pose.hfov_deg!) * DEGREE;
    return offset(pose.lon, pose.lat, Math.sin(angle) * distance, Math.cos(angle) * distance);
  };
  const shares = Array.from({ length: STEPS + 1 }, (_, k) => k / STEPS);
  return [...shares.map((share) => at(far, share)), ...(near > 0.2 ? shares.reverse().map((share) => at(near, share)) : [[pose.lon, pose.lat] as [number, number]])];
}

/** Where the handle lies by which a device is turned. */
export function aimOf(device: Device, pose: Pose): [number, number] | null {
  if (pose.azimuth_deg === null || device.kind !== "camera") return null;
  const { range } = reachOf(device, pose);
  const away = Math.max(6, Math.min(18, range * 0.5));
  return offset(pose.lon, pose.lat, Math.sin(pose.azimuth_deg * DEGREE) * away, Math.cos(pose.azimuth_deg * DEGREE) * away);
}

/** The azimuth from a place to another. [deg] */
export function azimuthTo(from: readonly [number, number], to: readonly [number, number]): number {
  const degrees = degreesPerMetre(from[1]);
  const east = (to[0] - from[0]) / degrees.longitude;
  const north = (to[1] - from[1]) / degrees.latitude;
  return (Math.atan2(east, north) / DEGREE + 360) % 360;
}
