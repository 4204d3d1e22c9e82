// Vite's addresses of files.
declare module '*?url' {
  const url: string;
  export default url;
}
