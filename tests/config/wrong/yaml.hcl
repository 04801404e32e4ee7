tenants:
  - name: client01
    databases: [db1]
