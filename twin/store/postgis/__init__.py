"""The store for more than one machine: a park in a schema of a PostgreSQL database with PostGIS. psycopg is imported here alone."""
