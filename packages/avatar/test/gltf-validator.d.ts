declare module 'gltf-validator' {
  interface Report {
    issues: { messages: { code: string; message: string; severity: number; pointer?: string }[] };
    info: Record<string, unknown>;
  }
  const validator: { validateBytes(bytes: Uint8Array): Promise<Report> };
  export default validator;
}
