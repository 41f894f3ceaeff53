-- Parts of full load are merged ten at a time here, too: a row of work is as costly to write anew as a span.
ALTER TABLE work_spans${local} ${on_cluster} MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE tasks${local} ${on_cluster} MODIFY SETTING min_parts_to_merge_at_once = 10;
