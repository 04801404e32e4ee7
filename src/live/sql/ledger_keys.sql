-- Access keys that we made or switched off.
SELECT workspace, id, user_name, state
FROM tenantctl.access_key
ORDER BY workspace COLLATE "C", id COLLATE "C"
