import { Alert, Badge, Button, Card, type MantineColorsTuple, type MantineThemeComponent, createTheme } from "@mantine/core";

type Shades = MantineColorsTuple;

// Shade 7 carries white text and shade 6 stands on white, both at a contrast of at least 4.5.
const brand: Shades = ["#e9f8f6", "#d3eeeb", "#a4ddd7", "#71cbc2", "#49bbb0", "#2fa9a0", "#18938b", "#0b7a75", "#07625f", "#034b49"];
const red: Shades = ["#fff1f1", "#ffe3e3", "#ffc6c6", "#ff9c9c", "#f67676", "#e04848", "#cd3131", "#bd2626", "#a01d1d", "#861616"];
const green: Shades = ["#ebf9ef", "#d9f2e1", "#aee2bd", "#82d29a", "#5cc47c", "#3fb365", "#26894a", "#1c7c3c", "#16652f", "#104f24"];
const yellow: Shades = ["#fff8e6", "#fdeec5", "#f9dd90", "#f2c14e", "#e2a51e", "#c98a0a", "#966200", "#8a5a00", "#6f4700", "#573700"];

// The greys of the dark theme, a little cooler than the kit's own.
const dark: Shades = ["#d8dde2", "#b6bec6", "#8d97a1", "#626c76", "#39414a", "#2d343b", "#1d2126", "#15181c", "#101316", "#0b0d0f"];

// By name alone: their code is fetched with the pages that show them.
const tabs: MantineThemeComponent = { classNames: { list: "tab-list" } };
const modal: MantineThemeComponent = {
  defaultProps: { radius: "lg", centered: true, padding: "lg", overlayProps: { backgroundOpacity: 0.45 } },
  classNames: { title: "modal-title" },
};

export const theme = createTheme({
  primaryColor: "brand",
  primaryShade: { light: 7, dark: 7 },
  colors: { brand, dark, red, green, yellow },
  defaultRadius: "md",
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: "650" },
  respectReducedMotion: true,
  cursorType: "pointer",
  components: {
    Card: Card.extend({ defaultProps: { withBorder: true, padding: "lg", radius: "lg" } }),
    Badge: Badge.extend({ defaultProps: { variant: "light", tt: "none", fw: 600 }, styles: { root: { flexShrink: 0 } } }),
    Button: Button.extend({ defaultProps: { fw: 600 } }),
    Alert: Alert.extend({ defaultProps: { radius: "md" } }),
    Tabs: tabs,
    Modal: modal,
  },
});
