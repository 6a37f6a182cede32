-- A park as one schema of a PostgreSQL database with PostGIS: QGIS shows its tables with geometry; the rest are plain tables beside them.
-- The tables and their columns are those of twin/store/schema.sql. Here `wkb` holds a geometry that PostGIS cannot: geom is then its box.
-- Feature tables of layers are made by the store, one a layer, with the columns of twin.model.FEATURE_COLUMNS.
CREATE TABLE park (key text PRIMARY KEY, value text NOT NULL);
CREATE TABLE park_layers (
    fid bigint GENERATED ALWAYS AS IDENTITY, id text PRIMARY KEY, kind text NOT NULL, title text NOT NULL, table_name text NOT NULL UNIQUE,
    source text NOT NULL, title_zh text NOT NULL DEFAULT '');
CREATE TABLE park_sources (
    name text PRIMARY KEY, sha256 text NOT NULL, options text NOT NULL, importer text NOT NULL, at text NOT NULL, report json NOT NULL);

CREATE TABLE devices (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry CHECK (st_srid(geom) = 4326), wkb bytea, id text NOT NULL UNIQUE,
    kind text NOT NULL, name text NOT NULL, height_m double precision, z_m double precision, building_id text, storey_id text, space_id text,
    status text NOT NULL, valid_from text, attributes json NOT NULL, source text NOT NULL);
CREATE INDEX ON devices USING gist (geom);
CREATE TABLE events (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry CHECK (st_srid(geom) = 4326), wkb bytea, id text NOT NULL UNIQUE,
    kind text NOT NULL, at text COLLATE "C" NOT NULL, severity text NOT NULL, status text NOT NULL, device_id text, building_id text,
    storey_id text, message_en text NOT NULL, message_zh text NOT NULL, attributes json NOT NULL);
CREATE INDEX ON events USING gist (geom);
CREATE INDEX ON events (at, fid);
CREATE TABLE models (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry CHECK (st_srid(geom) = 4326), wkb bytea, id text NOT NULL UNIQUE,
    name text NOT NULL, schema text NOT NULL, sha256 text NOT NULL, georeferencing json NOT NULL, base_h_m double precision NOT NULL,
    top_h_m double precision NOT NULL, building_id text, discipline text NOT NULL, source text NOT NULL);
CREATE INDEX ON models USING gist (geom);
CREATE TABLE spaces (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, geom geometry CHECK (st_srid(geom) = 4326), wkb bytea, id text NOT NULL,
    model_id text NOT NULL, storey_id text, name text NOT NULL, long_name text NOT NULL, usage text, floor_h_m double precision NOT NULL,
    height_m double precision, area_m2 double precision, attributes json NOT NULL, UNIQUE (model_id, id));
CREATE INDEX ON spaces USING gist (geom);
CREATE TABLE storeys (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, model_id text NOT NULL, name text NOT NULL,
    elevation_m double precision NOT NULL, base_h_m double precision NOT NULL, height_m double precision, UNIQUE (model_id, id));
CREATE TABLE elements (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, model_id text NOT NULL, ifc_class text NOT NULL,
    name text NOT NULL, storey_id text, space_id text, type_name text, discipline text NOT NULL, state text NOT NULL, kernel text,
    reason text, materials json NOT NULL, properties json NOT NULL, bbox json, UNIQUE (model_id, id));
CREATE INDEX ON elements (id);
CREATE TABLE groups (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL, model_id text NOT NULL, kind text NOT NULL,
    ifc_class text NOT NULL, name text NOT NULL, usage text, members json NOT NULL, attributes json NOT NULL, UNIQUE (model_id, id));
CREATE TABLE connections (
    fid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, model_id text NOT NULL, from_id text NOT NULL, to_id text NOT NULL,
    from_port text NOT NULL, to_port text NOT NULL, flow text, is_inferred boolean NOT NULL, position json);
CREATE INDEX ON connections (model_id);
CREATE TABLE meshes (fid bigint GENERATED ALWAYS AS IDENTITY, model_id text PRIMARY KEY, arrays bytea NOT NULL);
CREATE TABLE terrain (
    fid bigint GENERATED ALWAYS AS IDENTITY, source text NOT NULL, role text NOT NULL, arrays bytea NOT NULL, PRIMARY KEY (source, role));
CREATE TABLE photometries (
    fid bigint GENERATED ALWAYS AS IDENTITY, id text PRIMARY KEY, name text NOT NULL, lumens double precision NOT NULL,
    watts double precision, c_deg json NOT NULL, gamma_deg json NOT NULL, candela json NOT NULL, attributes json NOT NULL,
    source text NOT NULL);
CREATE TABLE assets (
    fid bigint GENERATED ALWAYS AS IDENTITY, source text NOT NULL, name text COLLATE "C" NOT NULL, sha256 text NOT NULL,
    size bigint NOT NULL, media_type text NOT NULL, PRIMARY KEY (source, name));
-- The bytes of assets, in pieces: every machine that reaches the database reaches them.
CREATE TABLE asset_pieces (sha256 text NOT NULL, piece integer NOT NULL, bytes bytea NOT NULL, PRIMARY KEY (sha256, piece));
ALTER TABLE asset_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE meshes ALTER COLUMN arrays SET STORAGE EXTERNAL;
ALTER TABLE terrain ALTER COLUMN arrays SET STORAGE EXTERNAL;
-- Every import of every source. What an old version held is in tables archived_*, made from the tables above (twin.store.postgis.archive).
CREATE TABLE versions (
    source text NOT NULL, number integer NOT NULL, at text NOT NULL, sha256 text NOT NULL, importer text NOT NULL, options text NOT NULL,
    report json NOT NULL, is_current boolean NOT NULL DEFAULT true, PRIMARY KEY (source, number));
CREATE TABLE archived_layers (
    fid bigint GENERATED ALWAYS AS IDENTITY, of_source text NOT NULL, number integer NOT NULL, id text NOT NULL, kind text NOT NULL,
    title text NOT NULL, title_zh text NOT NULL, PRIMARY KEY (of_source, number, id));
CREATE TABLE runs (
    fid bigint GENERATED ALWAYS AS IDENTITY, run text PRIMARY KEY, measure text NOT NULL, at text COLLATE "C" NOT NULL,
    value double precision, result json NOT NULL, gaps json NOT NULL, samples json);
CREATE INDEX ON runs (measure, at);
CREATE TABLE scorecards (pack text PRIMARY KEY, revision text NOT NULL, at text NOT NULL, card json NOT NULL);
CREATE TABLE scenarios (name text PRIMARY KEY, note text NOT NULL, at text NOT NULL, changes json NOT NULL);
