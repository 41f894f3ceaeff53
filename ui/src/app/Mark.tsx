/** The mark: a gnomon on its dial. */
export function Mark({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden>
      <path d="M2 16.5h16" stroke="var(--text-3)" strokeWidth="1.75" strokeLinecap="round" />
      <path d="M7 14.5V3.5l8 11z" fill="var(--accent)" />
    </svg>
  );
}
