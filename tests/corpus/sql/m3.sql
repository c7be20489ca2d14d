SELECT CASE WHEN amount BETWEEN 1 AND 3 THEN 'x' ELSE key END, `key`, amount::string, -amount, amount IN (1,2,3,4,5,6,7,8,9,10) FROM events -- c
