-- Strategies: what places orders for a user.
-- Columns of a record stand in the order of the table.

-- name: add_strategy
-- The whole record comes back; a name that is taken breaks uq_strategies_user_id_name.
INSERT INTO strategies (
    user_id, name, description, strategy_type, config, is_active, created_at
) VALUES (
    :user_id, :name, :description, :strategy_type, :config, :is_active, :created_at
)
RETURNING id, user_id, name, description, strategy_type, config, is_active, created_at, updated_at;

-- name: get_strategy
-- By pk_strategies.
SELECT id, user_id, name, description, strategy_type, config, is_active, created_at, updated_at
FROM strategies
WHERE id = :id;

-- name: set_strategy_active
-- By pk_strategies.
UPDATE strategies SET is_active = :is_active, updated_at = :updated_at
WHERE id = :id
RETURNING id, user_id, name, description, strategy_type, config, is_active, created_at, updated_at;

-- name: delete_strategy
-- By pk_strategies.
DELETE FROM strategies WHERE id = :id;
