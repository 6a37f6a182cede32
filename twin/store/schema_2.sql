-- From schema 1 to 2. Frozen: what later versions change is in later steps.
ALTER TABLE park_layers ADD COLUMN title_zh TEXT NOT NULL DEFAULT '';
ALTER TABLE models ADD COLUMN source TEXT NOT NULL DEFAULT '';
UPDATE models SET source = coalesce((SELECT min(name) FROM park_sources WHERE park_sources.sha256 = models.sha256), '');
CREATE TABLE groups (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, id TEXT NOT NULL, model_id TEXT NOT NULL, kind TEXT NOT NULL, ifc_class TEXT NOT NULL,
    name TEXT NOT NULL, usage TEXT, members TEXT NOT NULL, attributes TEXT NOT NULL, UNIQUE (model_id, id));
CREATE TABLE connections (
    fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model_id TEXT NOT NULL, from_id TEXT NOT NULL, to_id TEXT NOT NULL,
    from_port TEXT NOT NULL, to_port TEXT NOT NULL, flow TEXT, is_inferred BOOLEAN NOT NULL, position TEXT);
CREATE INDEX connections_model ON connections(model_id);
INSERT INTO gpkg_contents(table_name, data_type, identifier) VALUES
    ('groups', 'attributes', 'groups'), ('connections', 'attributes', 'connections'), ('layer_styles', 'attributes', 'layer_styles');
ALTER TABLE terrain RENAME TO terrain_1;
CREATE TABLE terrain (source TEXT NOT NULL, role TEXT NOT NULL, arrays BLOB NOT NULL, PRIMARY KEY (source, role));
INSERT INTO terrain SELECT source, 'ground', arrays FROM terrain_1 ORDER BY rowid;
DROP TABLE terrain_1;
CREATE TABLE photometries (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, lumens DOUBLE NOT NULL, watts DOUBLE, c_deg TEXT NOT NULL, gamma_deg TEXT NOT NULL,
    candela TEXT NOT NULL, attributes TEXT NOT NULL, source TEXT NOT NULL);
CREATE TABLE assets (
    source TEXT NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL,
    PRIMARY KEY (source, name));
CREATE TABLE versions (
    source TEXT NOT NULL, number INTEGER NOT NULL, at TEXT NOT NULL, sha256 TEXT NOT NULL, importer TEXT NOT NULL, options TEXT NOT NULL,
    report TEXT NOT NULL, content BLOB, PRIMARY KEY (source, number));
INSERT INTO versions SELECT name, 1, at, sha256, importer, options, report, NULL FROM park_sources;
CREATE TABLE archived_arrays (
    source TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, arrays BLOB NOT NULL,
    PRIMARY KEY (source, number, kind, name));
CREATE TABLE archived_assets (
    source TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (source, number, name));
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT,
    f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT, ui TEXT,
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
UPDATE gpkg_geometry_columns SET z = CASE table_name WHEN 'devices' THEN 0 WHEN 'events' THEN 1 ELSE 2 END;
