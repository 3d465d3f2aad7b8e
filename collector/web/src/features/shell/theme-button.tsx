import { setTheme, useTheme } from "../../lib/theme";
import { IconButton } from "../../ui/button";
import { Icon } from "../../ui/icon";

export function ThemeButton() {
  const theme = useTheme();
  const next = theme === "dark" ? "light" : "dark";
  return (
    <IconButton label={`Use the ${next} theme`} data-theme-switch onClick={() => setTheme(next)}>
      <Icon name={theme === "dark" ? "sun" : "moon"} />
    </IconButton>
  );
}
