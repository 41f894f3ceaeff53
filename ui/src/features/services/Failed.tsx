import { CircleAlert } from "lucide-react";
import { formatShare } from "../../format/numbers";
import styles from "./Services.module.css";

/** A share of failures: quiet at nought, marked above. */
export function Failed({ share }: { share: number | null }) {
  if (share === null || share === 0) return <span className="quiet">{share === null ? "–" : "0 %"}</span>;
  return (
    <span className={styles.failed}>
      <CircleAlert size={12} aria-hidden />
      {formatShare(share)}
    </span>
  );
}
