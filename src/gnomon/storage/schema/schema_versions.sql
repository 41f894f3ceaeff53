-- Which schema files have run here, and with which text.
CREATE TABLE schema_versions${local} ${on_cluster} (name String, checksum String, applied DateTime64(6, 'UTC'))
ENGINE = ${Replicated}MergeTree ORDER BY (name, applied) SETTINGS ${durable};
-- distributed: schema_versions by rand()
