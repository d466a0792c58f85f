import { Card, Skeleton, Stack, Table } from "@mantine/core";
import type { ReactNode } from "react";
import "./data-table.css";

export type Column<Row> = { key: string; title: string; hideTitle?: boolean; cell: (row: Row) => ReactNode };

type Props<Row> = { label: string; columns: Column<Row>[]; rows: readonly Row[]; rowKey: (row: Row) => string };

/** The one list of the interface: a table on a wide screen, cards on a narrow one. */
export function DataTable<Row>({ label, columns, rows, rowKey }: Props<Row>) {
  return (
    <Card p={0}>
      {/* The explicit roles keep the table a table where the style sheet turns its parts into blocks. */}
      <Table role="table" aria-label={label} className="data-table" verticalSpacing="sm" horizontalSpacing="lg">
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {columns.map(({ key, title, hideTitle }) => (
              <Table.Th key={key} role="columnheader" scope="col">
                <span className={hideTitle ? "visually-hidden" : undefined}>{title}</span>
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows.map((row) => (
            <Table.Tr key={rowKey(row)} role="row">
              {columns.map(({ key, title, hideTitle, cell }) => (
                <Table.Td key={key} role="cell" data-title={hideTitle ? undefined : title}>
                  {cell(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}

/** The shape of a list that is still loading. */
export function ListSkeleton({ rows = 3 }: { rows?: number }) {
  return (
    <Card aria-busy="true">
      <Stack gap="lg">
        {Array.from({ length: rows }, (_, row) => (
          <Skeleton key={row} height={28} />
        ))}
      </Stack>
    </Card>
  );
}
