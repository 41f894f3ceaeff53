import { Modal } from "@mantine/core";
import { Fragment } from "react";
import styles from "./Help.module.css";
import { useAllShortcuts } from "./shortcuts";

/** What can be pressed here. */
export function Help({ onClose }: { onClose: () => void }) {
  const shortcuts = useAllShortcuts();
  const groups = [...new Set(shortcuts.map(({ group }) => group))];
  return (
    <Modal opened onClose={onClose} title="Keyboard" size={560} padding={16} closeButtonProps={{ "aria-label": "Close" }}>
      <div className={styles.groups}>
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {shortcuts
                .filter((shortcut) => shortcut.group === group)
                .map(({ keys, does }) => (
                  <div key={keys}>
                    <dt>
                      {keys.split(/[ +]/).map((key, index) => (
                        <Fragment key={key}>
                          {index > 0 && " "}
                          <kbd>{key.length === 1 && keys.startsWith("Ctrl") ? key.toUpperCase() : key}</kbd>
                        </Fragment>
                      ))}
                    </dt>
                    <dd>{does}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Charts</h3>
          <dl>
            <div>
              <dt>Drag</dt>
              <dd>Zoom into that time</dd>
            </div>
            <div>
              <dt>Double-click</dt>
              <dd>Zoom out</dd>
            </div>
          </dl>
        </section>
      </div>
    </Modal>
  );
}
