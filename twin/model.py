"""What a park is made of: frozen values that carry names, and nothing that computes.

Geometry of features, spaces and outlines is shapely in longitude, latitude (degrees, WGS 84 / CGCS2000) and height [m, park datum];
meshes are in the park's local ENU metres (see `twin.crs.Frame`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from twin.crs import Frame  # loads pyproj, which the child processes that build IFC bodies do without

Severity = Literal["error", "warning", "info"]
Geometries = NDArray[np.object_]  # (n,) shapely geometries

LAYER_KINDS = (
    "boundary", "building", "building_part", "road", "road_area", "path", "parking_bay", "parking_area", "green", "water", "tree",
    "barrier", "terrain", "pipe", "duct", "manhole", "fibre", "pole", "key_position", "zone", "enterprise", "grid", "device", "event",
    "panorama", "point_cloud", "mesh", "model", "other",
)  # fmt: skip
DEVICE_KINDS = (
    "camera", "wifi_ap", "cell", "iot_gateway", "charger", "lamp", "pole", "display", "alarm", "detector", "access_control", "speaker",
    "hydrant", "sensor", "meter", "robot", "uav", "kiosk", "locker", "vending", "other",
)  # fmt: skip
ATTRIBUTES = "_ifc"  # the set among the properties of an element, room or group that holds attributes, relations, classifications
FEATURE_COLUMNS = (
    "name", "name_zh", "status", "valid_from", "height_m", "base_m", "storeys", "class", "usage", "owner", "building_id", "storey_id",
    "space_id", "functions",
)  # fmt: skip


@dataclass(frozen=True)
class Park:
    """A park's name, its frame, the coordinate system it is told in and its vertical datum."""

    name: str
    frame: Frame
    crs: str = "EPSG:4490"
    height_datum: str = "ellipsoidal"


@dataclass(frozen=True)
class Issue:
    """Something a source got wrong that did not stop the import: a code of the catalogue, its subject and details."""

    code: str
    severity: Severity
    subject: str
    details: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True)
class Layer:
    """One table of features of one kind."""

    id: str
    kind: str
    title: str
    features: int = 0
    source: str = ""
    title_zh: str = ""  # where the source says one; empty otherwise


@dataclass(frozen=True)
class FeatureTable:
    """n features of one layer, by column.

    `columns` holds FEATURE_COLUMNS and whatever else the source had, each a list of n values with None where missing.
    """

    ids: Sequence[str]
    geometry: Geometries  # (n,) lon, lat [deg], h [m]
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])

    def __len__(self) -> int:
        return len(self.ids)

    def column(self, name: str) -> Sequence[Any]:
        """The n values of `name`; all None where the layer has no such column."""
        return self.columns.get(name, [None] * len(self.ids))

    def row(self, i: int) -> dict[str, Any]:
        """The attributes of feature `i` that are not missing."""
        return {name: values[i] for name, values in self.columns.items() if values[i] is not None}


@dataclass(frozen=True)
class Storey:
    """One level of a model: `elevation_m` above the building's zero, `base_h_m` absolute [m, park datum]."""

    id: str
    model_id: str
    name: str
    elevation_m: float
    base_h_m: float
    height_m: float | None = None


@dataclass(frozen=True)
class Space:
    """One room: its floor outline, the height of its floor and what it is used for."""

    id: str
    model_id: str
    storey_id: str | None
    name: str
    long_name: str
    usage: str | None
    outline: Any  # shapely (Multi)Polygon, lon lat [deg]; None where the space has no body
    floor_h_m: float  # absolute [m, park datum]
    height_m: float | None
    area_m2: float | None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Element:
    """One product of a model: identity, class, place in the structure, how it was built, and everything said about it."""

    id: str  # GlobalId, or a stable substitute
    model_id: str
    ifc_class: str
    name: str
    storey_id: str | None = None
    space_id: str | None = None
    type_name: str | None = None
    discipline: str = "architecture"  # architecture structure hvac electrical plumbing fire site other
    state: Literal["built", "degraded", "failed", "no_body"] = "no_body"
    kernel: str | None = None
    reason: str | None = None
    materials: Sequence[Mapping[str, Any]] = ()  # [{"name": "Concrete", "thickness_m": 0.2}], outermost first
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])  # {"Pset_WallCommon": {"IsExternal": true}}
    bbox: Sequence[float] | None = None  # xmin ymin zmin xmax ymax zmax [m, enu]


@dataclass(frozen=True)
class Repeats:
    """The shapes that a mesh is made of, and each of the n uses of one; what no use says stands in the mesh for itself.

    Known exactly, by representation and content: `vertices` by `matrices` are the mesh's vertices, rounding aside, and the faces of all
    uses of a shape are the same counted from its first vertex, or turned round where the placement mirrors.
    """

    vertices: NDArray[np.float64]  # (v, 3) shape after shape [m, each shape's own frame]
    sizes: NDArray[np.int64]  # (shapes, 2) vertices and faces of each
    shape: NDArray[np.int64]  # (n,) which shape
    first: NDArray[np.int64]  # (n, 2) the vertex and the face of the mesh with which a use begins
    matrices: NDArray[np.float64]  # (n, 3, 4) from the shape's frame to the park's [m, enu]


@dataclass(frozen=True)
class Mesh:
    """The triangles of one model, in the park's frame.

    `face_element` indexes `element_ids`; spaces are not part of it. `repeats` and `seconds` are None where nobody knows.
    """

    vertices: NDArray[np.float64]  # (v, 3) [m, enu]
    faces: NDArray[np.uint32]  # (f, 3)
    face_element: NDArray[np.uint32]  # (f,)
    face_color: NDArray[np.uint8]  # (f, 4) RGBA
    element_ids: Sequence[str]
    repeats: Repeats | None = None
    seconds: NDArray[np.float32] | None = None  # (elements,) what kernels took to build each [s]; 0 where they were not asked again


@dataclass(frozen=True)
class Georeferencing:
    """How a model came to its place: the class found, the place, and why."""

    kind: str  # none site map_conversion property_sets placement_in_crs rigid_operation double given footprint control
    lonlat: tuple[float, float] | None
    height_m: float
    rotation_deg: float  # counter-clockwise from east to the model's x axis
    crs: str | None
    reason: str  # in English
    reason_code: str = ""  # the same as a code of the message catalogue, and what its sentence needs
    reason_details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Model:
    """One building model: what it is, how it is placed and how much of it was built."""

    id: str
    name: str
    schema: str
    sha256: str
    georeferencing: Georeferencing
    outline: Any  # shapely polygon, lon lat [deg]: the ground the model stands on; None when nothing was built
    base_h_m: float = 0.0  # lowest and highest point of its bodies [m, park datum]
    top_h_m: float = 0.0
    building_id: str | None = None
    discipline: str = "architecture"
    source: str = ""


@dataclass(frozen=True)
class Group:
    """What a model gathers under one name: a zone of spaces, a system of parts, or a plain group; `members` are element or space ids."""

    id: str
    model_id: str
    kind: Literal["zone", "system", "group"]
    ifc_class: str
    name: str
    usage: str | None = None  # what a system is for (IfcDistributionSystem.PredefinedType), what a zone is
    members: Sequence[str] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Connection:
    """Two elements joined at their ports; `flow` is from the first to the second where the file says so.

    `is_inferred` marks a joint that no relation states: two open ports that lie in one place.
    """

    model_id: str
    from_id: str
    to_id: str
    from_port: str = ""
    to_port: str = ""
    flow: str | None = None  # source sink both; None where the file does not say
    is_inferred: bool = False
    position: Sequence[float] | None = None  # x y z [m, enu]


@dataclass(frozen=True)
class ModelContent:
    """Everything one model file holds."""

    model: Model
    storeys: Sequence[Storey]
    spaces: Sequence[Space]
    elements: Sequence[Element]
    mesh: Mesh
    groups: Sequence[Group] = ()
    connections: Sequence[Connection] = ()


@dataclass(frozen=True)
class Device:
    """A thing with a position: camera, access point, charger and so on.

    `height_m` counts from the ground, or from the storey's floor where `storey_id` is set; `z_m` is absolute [m, park datum].
    Everything that only some kinds have (optics, radio, power) is in `attributes` under the names of the device table.
    """

    id: str
    kind: str
    name: str
    lon: float
    lat: float
    height_m: float | None = None
    z_m: float | None = None
    building_id: str | None = None
    storey_id: str | None = None
    space_id: str | None = None
    status: str = "in_service"
    valid_from: str | None = None
    source: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Scenario:
    """A named set of changes to devices that a park keeps beside them; `twin.scenario.changes` says what a change is."""

    name: str
    changes: Sequence[Mapping[str, Any]] = ()  # in the order they are made
    note: str = ""
    at: str = ""  # when it was last changed, ISO 8601, UTC


@dataclass(frozen=True)
class Event:
    """Something that happened at a place."""

    id: str
    kind: str
    at: str  # ISO 8601, UTC
    lon: float
    lat: float
    h_m: float  # absolute [m, park datum]
    severity: str = "info"  # info warning alarm
    status: str = "open"  # open acknowledged closed
    device_id: str | None = None
    building_id: str | None = None
    storey_id: str | None = None
    message_en: str = ""
    message_zh: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Terrain:
    """Heights on a regular grid of the park's frame, row 0 in the south; NaN where unknown.

    `role` says of what: the bare ground, or the surface with roofs and trees. `detail` holds the grids it was merged from where they
    know more than its own step can tell, the one that counts first; `twin.terrain.height_at` reads them.
    """

    x0_m: float
    y0_m: float
    step_m: float
    heights: NDArray[np.float32]  # (rows, columns) [m, park datum]
    role: Literal["ground", "surface"] = "ground"
    detail: Sequence[Terrain] = ()


@dataclass(frozen=True)
class Photometry:
    """How a luminaire shines: luminous intensity by C-plane and gamma (CIE 121 type C), absolute."""

    id: str  # the file's name without folder, as the device table's `photometry` names it
    name: str
    lumens: float  # of the luminaire as measured or, absolute photometry, integrated
    watts: float | None
    c_deg: Sequence[float]  # (c,) 0 to 360, both ends or one plane of a symmetry written out
    gamma_deg: Sequence[float]  # (g,) 0 down, 90 level, 180 up
    candela: Sequence[Sequence[float]]  # (c, g) [cd]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Asset:
    """A file that belongs to a source and is kept as it came: a tile, an image, a point cloud, the source itself."""

    source: str
    name: str  # its path inside the source, with forward slashes
    sha256: str
    size: int  # [bytes]
    media_type: str = "application/octet-stream"


@dataclass(frozen=True)
class SourceContent:
    """All that came from one source."""

    layers: Sequence[tuple[Layer, FeatureTable]] = ()
    devices: Sequence[Device] = ()
    models: Sequence[ModelContent] = ()
    terrains: Sequence[Terrain] = ()
    photometries: Sequence[Photometry] = ()
    assets: Sequence[Asset] = ()


@dataclass(frozen=True)
class Version:
    """One import of one source: 1 is the first; the newest is what the park shows."""

    source: str
    number: int
    at: str  # ISO 8601, UTC
    sha256: str
    importer: str
    options: str  # digest of what the person said
    is_current: bool
    report: Mapping[str, Any] = field(default_factory=dict[str, Any])  # the entry of `twin import --json`, issues as codes
