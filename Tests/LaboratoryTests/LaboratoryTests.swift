import Testing

@Suite struct LaboratoryTests {}
