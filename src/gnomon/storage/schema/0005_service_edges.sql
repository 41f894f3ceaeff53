-- In busy minutes edges are computed from one in `share` traces, and their counts scaled up.
ALTER TABLE service_edges${local} ${on_cluster} ADD COLUMN IF NOT EXISTS share UInt32 DEFAULT 1;
ALTER TABLE service_edges ${on_cluster} ADD COLUMN IF NOT EXISTS share UInt32 DEFAULT 1;
