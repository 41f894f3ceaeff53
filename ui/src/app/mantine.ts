import { createTheme, Menu, Modal, Popover, Tooltip } from "@mantine/core";
import overlays from "./overlays.module.css";

/** Mantine in our tokens: one surface for all that floats, quick and without shadows in shadows. */
export const mantineTheme = createTheme({
  fontFamily: "var(--font)",
  defaultRadius: 4,
  respectReducedMotion: true,
  components: {
    Popover: Popover.extend({
      defaultProps: { transitionProps: { duration: 80 }, offset: 4, classNames: { dropdown: overlays.dropdown } },
    }),
    Menu: Menu.extend({
      defaultProps: {
        transitionProps: { duration: 80 },
        offset: 4,
        classNames: { dropdown: overlays.dropdown, item: overlays.item, label: overlays.label, divider: overlays.divider },
      },
    }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 300, transitionProps: { duration: 80 }, classNames: { tooltip: overlays.tooltip } },
    }),
    Modal: Modal.extend({
      defaultProps: {
        transitionProps: { duration: 80 },
        overlayProps: { backgroundOpacity: 0.4 },
        classNames: { content: overlays.modal, header: overlays.modalHeader, title: overlays.modalTitle },
      },
    }),
  },
});
