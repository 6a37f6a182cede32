/** A map controller that pans and zooms on the plane of its target, not on height zero: needed on a high storey and below ground. */
import { MapController } from "@deck.gl/core";

// deck.gl does not type the state classes of its controllers
type MakeViewport = ((viewState: any) => any) & { onTargetPlane?: boolean };

export class TargetPlaneController extends MapController {
  constructor(props: any) {
    super(props);
    const Base = (this as any).ControllerState;
    (this as any).ControllerState = class extends Base {
      constructor(options: any) {
        super({ ...options, makeViewport: onTargetPlane(options.makeViewport) });
      }
    };
  }
}

function onTargetPlane(make: MakeViewport): MakeViewport {
  if (make.onTargetPlane) return make;
  const wrapped: MakeViewport = (viewState) => {
    const viewport = make(viewState);
    if (!viewport?.panByPosition3D) return viewport;
    const z = viewState.position?.[2] ?? 0;
    return Object.create(viewport, {
      panByPosition: { value: (at: number[], pixel: number[]) => viewport.panByPosition3D([at[0], at[1], z], pixel) },
      unproject: { value: (xy: number[], options: object = {}) => viewport.unproject(xy, { targetZ: z, ...options }) },
    });
  };
  wrapped.onTargetPlane = true;
  return wrapped;
}
