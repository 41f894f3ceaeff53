-- Raw lines of JSON land here and are gone; what they bring is stored with all other logs.
CREATE TABLE jsonl ${on_cluster} (labels ${attributes}, text String) ENGINE = Null;
