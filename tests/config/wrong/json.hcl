{
  "tenant": {
    "client01": { "databases": ["db1"] }
  }
}
