import { describe, expect, it } from "vitest";

import type { Device } from "../src/api/types";
import { latest } from "../src/whatif/asking";
import { changesOf, moved, poseOf, presetsOf, within, zoomed } from "../src/whatif/pose";
import { aimOf, azimuthTo, groundSpan, outlineOf } from "../src/whatif/view";
import { distance } from "../src/map/earth";

const camera: Device = {
  id: "cam", kind: "camera", name: "cam", lon: 104, lat: 30, h_m: 4, height_m: 4, status: "in_service", building_id: null, storey_id: null,
  attributes: { azimuth_deg: 350, tilt_deg: 10, hfov_deg: 60, vfov_deg: 36, range_m: 50 },
}; // prettier-ignore

describe("a pose", () => {
  it("goes round the circle and stays within what a mount can do", () => {
    expect(within({ ...poseOf(camera), azimuth_deg: -10, tilt_deg: 120, hfov_deg: 0.1, height_m: -3 })).toMatchObject({ azimuth_deg: 350, tilt_deg: 90, hfov_deg: 2, height_m: 0 });
    expect(within({ ...poseOf(camera), azimuth_deg: 359.98 }).azimuth_deg).toBe(0);
  });

  it("changes nothing where nothing differs", () => {
    expect(changesOf({ cam: poseOf(camera) }, [camera])).toEqual([]);
    expect(changesOf({ gone: poseOf(camera) }, [camera])).toEqual([]);
  });

  it("says what differs and no more", () => {
    expect(changesOf({ cam: { ...poseOf(camera), azimuth_deg: 10 } }, [camera])).toEqual([{ op: "set", id: "cam", values: { azimuth_deg: 10 } }]);
    const away = moved(poseOf(camera), 3, 4);
    expect(distance([away.lon, away.lat], [camera.lon, camera.lat])).toBeCloseTo(5, 4);
    expect(changesOf({ cam: away }, [camera])).toEqual([{ op: "move", id: "cam", lon: away.lon, lat: away.lat }]);
    expect(changesOf({ cam: { ...poseOf(camera), height_m: 6 } }, [camera])).toEqual([{ op: "move", id: "cam", lon: 104, lat: 30, height_m: 6 }]);
  });

  it("keeps the shape of the picture when it zooms", () => {
    const [change] = changesOf({ cam: { ...poseOf(camera), hfov_deg: 30 } }, [camera]);
    const values = (change as { values: Record<string, number> }).values;
    const tan = (degrees: number): number => Math.tan((degrees * Math.PI) / 360);
    expect(tan(values.vfov_deg!) / tan(30)).toBeCloseTo(tan(36) / tan(60), 3);
    expect(zoomed(zoomed(50, 60, 20), 20, 60)).toBeCloseTo(50, 9);
  });

  it("turns the positions a camera keeps along with its mount", () => {
    const ptz = { ...camera, attributes: { ...camera.attributes, presets: '[{"azimuth_deg": 350, "tilt_deg": 10}, {"azimuth_deg": 80, "tilt_deg": 5}]' } };
    const [change] = changesOf({ cam: { ...poseOf(ptz), azimuth_deg: 20 } }, [ptz]);
    const values = (change as { values: Record<string, string> }).values;
    expect(JSON.parse(values.presets!)).toEqual([{ azimuth_deg: 20, tilt_deg: 10 }, { azimuth_deg: 110, tilt_deg: 5 }]);
    expect(presetsOf("no list")).toBeNull();
    expect(presetsOf("[1, 2]")).toBeNull();
  });
});

describe("the view on open ground", () => {
  it("begins and ends where the edges of the picture meet the ground", () => {
    expect(groundSpan(4, 45, 0.002, 100)).not.toBeNull();
    const [near, far] = groundSpan(4, 30, 30, 100)!;
    expect(near).toBeCloseTo(4, 9); // 45° below the horizon
    expect(far).toBeCloseTo(4 / Math.tan(Math.PI / 12), 9);
    expect(groundSpan(4, 10, 30, 50)![1]).toBe(50);
    expect(groundSpan(4, -20, 30, 50)).toBeNull();
  });

  it("lies in the direction of the camera, as wide as its picture", () => {
    const ring = outlineOf(camera, { ...poseOf(camera), azimuth_deg: 90 });
    const azimuths = ring.map((place) => azimuthTo([104, 30], place));
    expect(Math.min(...azimuths)).toBeCloseTo(60, 1);
    expect(Math.max(...azimuths)).toBeCloseTo(120, 1);
    expect(Math.max(...ring.map((place) => distance(place, [104, 30])))).toBeCloseTo(50, 1);
    expect(azimuthTo([104, 30], aimOf(camera, poseOf(camera))!)).toBeCloseTo(350, 1);
  });
});

describe("asking while it changes", () => {
  const harness = () => {
    const frames: (() => void)[] = [];
    const open: { question: number; answer: (value: string) => void; refuse: (error: Error) => void }[] = [];
    const [shown, failed]: [string[], string[]] = [[], []];
    let clock = 0;
    const asking = latest<number, string>({
      ask: (question) => new Promise((answer, refuse) => open.push({ question, answer, refuse })),
      show: (answer) => shown.push(answer),
      fail: (error) => failed.push((error as Error).message),
      frame: (task) => frames.push(task),
      now: () => clock,
    });
    const frame = async (): Promise<void> => {
      for (const task of frames.splice(0)) task();
      await Promise.resolve();
    };
    const settle = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await Promise.resolve();
    };
    return { asking, open, shown, failed, frame, settle, pass: (ms: number) => (clock += ms) };
  };

  it("asks one at a time, the newest next", async () => {
    const { asking, open, shown, frame, settle } = harness();
    asking.want(1);
    asking.want(2); // within the same frame: the first is never asked
    await frame();
    asking.want(3);
    asking.want(4);
    await frame();
    expect(open.map((one) => one.question)).toEqual([2]);
    open[0]!.answer("two");
    await settle();
    await frame();
    expect(open.map((one) => one.question)).toEqual([2, 4]);
    open[1]!.answer("four");
    await settle();
    expect(shown).toEqual(["two", "four"]);
  });

  it("waits for the hand to rest where answers take long", async () => {
    const { asking, open, frame, settle, pass } = harness();
    asking.want(1);
    await frame();
    pass(5000);
    open[0]!.answer("slow");
    await settle();
    asking.want(2);
    await frame();
    expect(open).toHaveLength(1);
    pass(600);
    await frame();
    expect(open).toHaveLength(2);
  });

  it("goes on after a failure, and says nothing once it is stopped", async () => {
    const { asking, open, shown, failed, frame, settle } = harness();
    asking.want(1);
    await frame();
    open[0]!.refuse(new Error("no"));
    await settle();
    asking.want(2);
    await frame();
    asking.stop();
    open[1]!.answer("late");
    await settle();
    expect(failed).toEqual(["no"]);
    expect(shown).toEqual([]);
  });
});
