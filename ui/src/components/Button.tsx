import type { ComponentProps } from "react";
import styles from "./Button.module.css";

interface ButtonProps extends ComponentProps<"button"> {
  /** `primary` for the one action a view exists for, `plain` where a border would be noise. */
  kind?: "normal" | "primary" | "plain";
  /** Square, for a lone icon; give it an `aria-label`. */
  icon?: boolean;
}

/** A button; its words are a verb ("Copy link"). */
export function Button({ kind = "normal", icon = false, className, type = "button", ...rest }: ButtonProps) {
  const classes = [styles.button, kind !== "normal" && styles[kind], icon && styles.icon, className].filter(Boolean).join(" ");
  return <button type={type} className={classes} {...rest} />;
}
