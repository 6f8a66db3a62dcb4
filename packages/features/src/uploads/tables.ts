export interface UploadsTables {
  uploads: {
    id: string;
    tenantId: string;
    filename: string;
    bytes: number;
    sha256: string;
    blobKey: string;
    createdMs: number;
  };
}
