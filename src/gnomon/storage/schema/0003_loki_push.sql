-- Raw Loki push requests land here and are gone; what they bring is stored with all other logs.
CREATE TABLE loki_push ${on_cluster} (
    streams Array(Tuple(
        labels String,
        entries Array(Tuple(
            timestamp Tuple(seconds Int64, nanos Int64), line String, structured_metadata ${attributes}))
    ))
) ENGINE = Null;
