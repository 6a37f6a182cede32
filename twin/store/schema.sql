-- A park as one OGC GeoPackage 1.4: GIS programs open its feature tables; the rest are plain tables beside them.
-- Feature tables of layers are made by the store, one a layer, with the columns of twin.model.FEATURE_COLUMNS.
CREATE TABLE gpkg_spatial_ref_sys (
    srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
    organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
    ('Undefined Cartesian', -1, 'NONE', -1, 'undefined', NULL),
    ('Undefined geographic', 0, 'NONE', 0, 'undefined', NULL),
    ('WGS 84', 4326, 'EPSG', 4326,
     'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]',
     'longitude/latitude in decimal degrees on the WGS 84 ellipsoid');
CREATE TABLE gpkg_contents (
    table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
    last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
    min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
    table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
    z TINYINT NOT NULL, m TINYINT NOT NULL, PRIMARY KEY (table_name, column_name), UNIQUE (table_name),
    FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name), FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_extensions (
    table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
    UNIQUE (table_name, column_name, extension_name));

CREATE TABLE park (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE park_layers (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, title TEXT NOT NULL, table_name TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
    title_zh TEXT NOT NULL DEFAULT '');
CREATE TABLE park_sources (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, options TEXT NOT NULL, importer TEXT NOT NULL, at TEXT NOT NULL, report TEXT NOT NULL);

CREATE TABLE devices (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, name TEXT NOT NULL,
    height_m DOUBLE, z_m DOUBLE, building_id TEXT, storey_id TEXT, space_id TEXT, status TEXT NOT NULL, valid_from TEXT,
    attributes TEXT NOT NULL, source TEXT NOT NULL);
CREATE INDEX devices_kind ON devices(kind);
CREATE TABLE events (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, at TEXT NOT NULL,
    severity TEXT NOT NULL, status TEXT NOT NULL, device_id TEXT, building_id TEXT, storey_id TEXT,
    message_en TEXT NOT NULL, message_zh TEXT NOT NULL, attributes TEXT NOT NULL);
CREATE INDEX events_at ON events(at);
CREATE TABLE models (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom GEOMETRY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, schema TEXT NOT NULL,
    sha256 TEXT NOT NULL, georeferencing TEXT NOT NULL, base_h_m DOUBLE NOT NULL, top_h_m DOUBLE NOT NULL, building_id TEXT,
    discipline TEXT NOT NULL, source TEXT NOT NULL DEFAULT '');
CREATE TABLE spaces (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom GEOMETRY, id TEXT NOT NULL, model_id TEXT NOT NULL, storey_id TEXT,
    name TEXT NOT NULL, long_name TEXT NOT NULL, usage TEXT, floor_h_m DOUBLE NOT NULL, height_m DOUBLE, area_m2 DOUBLE,
    attributes TEXT NOT NULL, UNIQUE (model_id, id));
CREATE TABLE storeys (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL, name TEXT NOT NULL,
    elevation_m DOUBLE NOT NULL, base_h_m DOUBLE NOT NULL, height_m DOUBLE, UNIQUE (model_id, id));
CREATE TABLE elements (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL, ifc_class TEXT NOT NULL, name TEXT NOT NULL,
    storey_id TEXT, space_id TEXT, type_name TEXT, discipline TEXT NOT NULL, state TEXT NOT NULL, kernel TEXT, reason TEXT,
    materials TEXT NOT NULL, properties TEXT NOT NULL, bbox TEXT, UNIQUE (model_id, id));
CREATE INDEX elements_id ON elements(id);
CREATE TABLE groups (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL, kind TEXT NOT NULL, ifc_class TEXT NOT NULL,
    name TEXT NOT NULL, usage TEXT, members TEXT NOT NULL, attributes TEXT NOT NULL, UNIQUE (model_id, id));
CREATE TABLE connections (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model_id TEXT NOT NULL, from_id TEXT NOT NULL, to_id TEXT NOT NULL,
    from_port TEXT NOT NULL, to_port TEXT NOT NULL, flow TEXT, is_inferred BOOLEAN NOT NULL, position TEXT);
CREATE INDEX connections_model ON connections(model_id);
CREATE TABLE meshes (model_id TEXT PRIMARY KEY, arrays BLOB NOT NULL);
CREATE TABLE terrain (source TEXT NOT NULL, role TEXT NOT NULL, arrays BLOB NOT NULL, PRIMARY KEY (source, role));
CREATE TABLE photometries (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, lumens DOUBLE NOT NULL, watts DOUBLE, c_deg TEXT NOT NULL, gamma_deg TEXT NOT NULL,
    candela TEXT NOT NULL, attributes TEXT NOT NULL, source TEXT NOT NULL);
CREATE TABLE assets (
    source TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL,
    PRIMARY KEY (source, name));
-- Every import of every source; `content` is NULL where the park shows it, else its rows as a small database (twin.store.archive).
CREATE TABLE versions (
    source TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, sha256 TEXT NOT NULL, importer TEXT NOT NULL, options TEXT NOT NULL,
    report TEXT NOT NULL, content BLOB, PRIMARY KEY (source, number));
-- What is large in an old version, moved here as it was: meshes by model, terrains by role; and the files it still needs.
CREATE TABLE archived_arrays (
    source TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, arrays BLOB NOT NULL,
    PRIMARY KEY (source, number, kind, name));
CREATE TABLE archived_assets (
    source TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (source, number, name));
CREATE TABLE runs (
    run TEXT PRIMARY KEY, measure TEXT NOT NULL, at TEXT NOT NULL, value DOUBLE, result TEXT NOT NULL, gaps TEXT NOT NULL, samples TEXT);
CREATE INDEX runs_measure ON runs(measure, at);
CREATE TABLE scorecards (pack TEXT PRIMARY KEY, revision TEXT NOT NULL, at TEXT NOT NULL, card TEXT NOT NULL);
CREATE TABLE scenarios (name TEXT PRIMARY KEY, note TEXT NOT NULL, at TEXT NOT NULL, changes TEXT NOT NULL);
-- Where QGIS looks for how a layer is drawn (its own convention; filled by twin.store.styles).
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT,
    f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT,
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
