export interface IndicatorsTables {
  savedFormulas: {
    tenantId: string;
    name: string;
    params: string;
    formula: string;
    meaning: string;
    savedBy: string;
    createdMs: number;
    updatedMs: number;
  };
}
