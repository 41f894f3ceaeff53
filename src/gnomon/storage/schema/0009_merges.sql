-- Parts of full load are merged ten at a time: a row is written anew less often, which is a tenth of what ingest costs.
ALTER TABLE spans${local} ${on_cluster} MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE logs${local} ${on_cluster} MODIFY SETTING min_parts_to_merge_at_once = 10;
