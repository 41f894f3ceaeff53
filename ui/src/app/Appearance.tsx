import { Menu } from "@mantine/core";
import { Check, Monitor, Moon, Sun } from "lucide-react";
import { Button } from "../components/Button";
import { setPreference, type ThemeChoice, usePreference } from "./preferences";

const THEMES: readonly { value: ThemeChoice; label: string; icon: typeof Sun }[] = [
  { value: "system", label: "As the system", icon: Monitor },
  { value: "dark", label: "Dark", icon: Moon },
  { value: "light", label: "Light", icon: Sun },
];

/** Choose dark, light, or what the system says; and the time zone of every time that is shown. */
export function Appearance() {
  const theme = usePreference("theme");
  const zone = usePreference("zone");
  const Icon = THEMES.find(({ value }) => value === theme)?.icon ?? Monitor;
  const check = (on: boolean) => (on ? <Check size={14} /> : <span style={{ width: 14 }} />);
  return (
    <Menu position="bottom-end" width={180}>
      <Menu.Target>
        <Button kind="plain" icon aria-label="Theme and time zone" title="Theme and time zone">
          <Icon size={16} strokeWidth={1.75} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Theme</Menu.Label>
        {THEMES.map(({ value, label }) => (
          <Menu.Item key={value} leftSection={check(value === theme)} onClick={() => setPreference("theme", value)}>
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>Times in</Menu.Label>
        <Menu.Item leftSection={check(zone === "browser")} onClick={() => setPreference("zone", "browser")}>
          Browser time
        </Menu.Item>
        <Menu.Item leftSection={check(zone === "utc")} onClick={() => setPreference("zone", "utc")}>
          UTC
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
