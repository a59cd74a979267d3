/** Words of looking back. */

export const pastMessages = {
  'past.open': ['回看', 'Look back'],
  'past.title': ['看某一时刻已知的情况', 'What was known at a moment'],
  'past.when': ['时刻（北京时间）', 'Moment (China time)'],
  'past.look': ['查看', 'Show'],
  'past.bar': ['回看：所示为 {at} 时已知的情况，不随实时数据变化。', 'Looking back: what was known at {at}; live data do not change it.'],
  'past.live': ['回到实时', 'Back to live'],
  'past.readonly': ['正在回看，不能更改；请先回到实时。', 'You are looking back: nothing can be changed. Go back to live first.'],
} as const
