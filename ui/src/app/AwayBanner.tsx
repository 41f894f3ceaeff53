import { useQueryClient } from "@tanstack/react-query";
import { Unplug } from "lucide-react";
import { useAwaySince } from "../api/connection";
import { Button } from "../components/Button";
import { Time } from "../components/Time";
import styles from "./Frame.module.css";

/** Says once for the page that the server is away, and since when. */
export function AwayBanner() {
  const since = useAwaySince();
  const client = useQueryClient();
  if (since === null) return null;
  return (
    <div className={styles.away} role="alert">
      <Unplug size={16} aria-hidden />
      <span>
        <strong>Gnomon cannot be reached</strong> since <Time ms={since} />. What you see is from before. Is it running, and is the network up?
      </span>
      <Button onClick={() => void client.refetchQueries({ type: "active" })}>Retry</Button>
    </div>
  );
}
